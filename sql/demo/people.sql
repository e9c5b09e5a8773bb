-- The names of the demo's guests. Included by generate.sql, inside its transaction and working schema.

-- A culture's given and family names; where family names follow the gender, each gender is a culture of its own.
CREATE UNLOGGED TABLE culture (code text PRIMARY KEY, given text[], family text[]);
INSERT INTO culture VALUES
('lt_f', '{Rūta,Eglė,Gintarė,Austėja,Ieva,Monika,Ugnė,Živilė,Aušra,Jūratė,Rasa,Viktorija,Gabija,Kamilė,Miglė,Simona,Indrė,Birutė,Daiva,Lina,Ramunė,Šarūnė,Dovilė,Kristina,Vaida,Neringa,Emilija,Urtė}',
         '{Kazlauskienė,Petrauskaitė,Jankauskienė,Stankevičiūtė,Žukauskaitė,Vasiliauskienė,Butkutė,Paulauskienė,Urbonaitė,Kavaliauskienė,Navickaitė,Ramanauskienė,Žemaitytė,Šimkutė,Balčiūnaitė,Mockutė,Adomaitienė,Česnulytė,Rimkutė,Pocienė,Grigaitė,Malinauskaitė,Gudaitė,Vaičiulienė,Šukytė,Bružaitė,Daukantienė,Mačiulytė}'),
('lt_m', '{Jonas,Tomas,Mindaugas,Žygimantas,Lukas,Marius,Andrius,Vytautas,Gediminas,Paulius,Darius,Arūnas,Justinas,Rokas,Domantas,Šarūnas,Kęstutis,Giedrius,Algirdas,Matas,Dovydas,Ignas,Nojus,Saulius,Rimantas,Eimantas,Povilas,Aurimas}',
         '{Kazlauskas,Petrauskas,Jankauskas,Stankevičius,Žukauskas,Vasiliauskas,Butkus,Paulauskas,Urbonas,Kavaliauskas,Navickas,Ramanauskas,Žemaitis,Šimkus,Balčiūnas,Mockus,Adomaitis,Česnulis,Rimkus,Pocius,Grigas,Malinauskas,Gudas,Vaičiulis,Šukys,Bružas,Daukantas,Mačiulis}'),
('pl_f', '{Agnieszka,Małgorzata,Katarzyna,Zofia,Magdalena,Łucja,Joanna,Ewa,Aleksandra,Barbara,Wiesława,Anna}',
         '{Kowalska,Wiśniewska,Dąbrowska,Lewandowska,Wójcik,Zielińska,Szymańska,Woźniak,Kozłowska,Jabłońska,Król,Piątek}'),
('pl_m', '{Paweł,Michał,Łukasz,Grzegorz,Krzysztof,Andrzej,Stanisław,Jakub,Wojciech,Zbigniew,Tadeusz,Rafał}',
         '{Kowalski,Wiśniewski,Dąbrowski,Lewandowski,Wójcik,Zieliński,Szymański,Woźniak,Kozłowski,Jabłoński,Król,Piątek}'),
('uk',   '{Olena,Oksana,Iryna,Natalia,Kateryna,Yulia,Andriy,Oleksandr,Serhii,Dmytro,Taras,Bohdan}',
         '{Shevchenko,Kovalenko,Bondarenko,Tkachenko,Kravchenko,Oliynyk,Lysenko,Polishchuk,Marchenko,Savchenko,Rudenko,Moroz}'),
('de',   '{Anna,Lena,Jürgen,Thomas,Björn,Käthe,Sören,Lukas,Hannah,Jörg,Ursula,Günther,Marie,Paul,Felix,Sophie,Anneliese,Matthias,Karin,Stefan,Jana,Moritz,Greta,Friedrich,Heike,Johanna,Tobias,Rüdiger,Emma,Maximilian,Franziska,Götz}',
         '{Müller,Schmidt,Schneider,Fischer,Weber,Schäfer,Köhler,Groß,Krüger,Böhm,Jäger,Hübner,Lehmann,Schulz,Hoffmann,Zimmermann,Weiß,Günther,Vogel,Keller,Bauer,Richter,Neumann,Schröder,Lindner,Voß,Pohl,Haas,Brandt,Möller,Winkler,Kühn}'),
('tr',   '{Ayşe,Fatma,Zeynep,Elif,Gülşen,Çağla,Mehmet,Mustafa,Emre,Can,Oğuz,Özgür,Burak,Deniz,İbrahim,Selin}',
         '{Yılmaz,Kaya,Demir,Şahin,Çelik,Yıldız,Yıldırım,Öztürk,Aydın,Özdemir,Arslan,Doğan,Kılıç,Aslan,Çetin,Koç}'),
('ar',   '{Amira,Layla,Nour,Yasmin,Fatima,Rania,Omar,Karim,Youssef,Khaled,Samir,Tarek}',
         '{Haddad,Khalil,El-Sayed,Mansour,Nasser,Al-Masri,Hamdan,Farah,Saleh,Darwish,Aziz,Ibrahim}'),
('vi',   '{Thị Hương,Minh Anh,Thu Hà,Ngọc Lan,Văn Dũng,Quốc Bảo,Đức,Tuấn,Mai,Linh,Hải,Phương}',
         '{Nguyễn,Trần,Lê,Phạm,Hoàng,Phan,Vũ,Đặng,Bùi,Đỗ,Hồ,Ngô}'),
('ro',   '{Chloé,François,Hélène,Jérôme,Léa,Noël,Lucía,Íñigo,José,Núria,Begoña,Álvaro,Giulia,Niccolò,Chiara,Matteo}',
         '{Lefèvre,Dubois,Moreau,Bérenger,García,Muñoz,Fernández,Ibáñez,Peña,Rossi,Esposito,Ferrari,D''Angelo,Conti,De Luca,Gallo}'),
('en',   '{Emily,James,Olivia,Michael,Sarah,David,Jessica,Daniel,Ashley,Matthew,Grace,Ryan,Hannah,Brian,Megan,Andrew,Rachel,Kevin,Lauren,Tyler,Abigail,Sean,Nicole,Ethan,Zoë,Patrick,Claire,Joshua,Renée,Samuel,Tiffany,Marcus}',
         '{Smith,Johnson,Williams,Brown,Jones,Miller,Davis,Wilson,Anderson,Taylor,Thomas,Moore,Jackson,Martin,Thompson,White,Harris,Clark,Lewis,Walker,Hall,Young,O''Brien,O''Connor,Murphy,Sullivan,McCarthy,Goldberg,Cohen,Katz,Washington,Robinson}'),
('es',   '{María,José,Sofía,Luis,Camila,Andrés,Valentina,Jesús,Ximena,Héctor,Lucía,Raúl,Gabriela,Ángel,Yolanda,Iván}',
         '{Rodríguez,Martínez,Hernández,López,González,Pérez,Sánchez,Ramírez,Torres,Núñez,Gutiérrez,Vásquez,Ortiz,Peña,Castillo,Jiménez}'),
('zh',   '{Wei,Mei,Jing,Hao,Xin Yi,Jun,Li Na,Kevin,Jason,Grace,Vivian,Amy}',
         '{Chen,Wang,Li,Zhang,Liu,Lin,Huang,Wu,Zhao,Lü,Zheng,Xu}'),
('in',   '{Priya,Aarav,Ananya,Rohan,Neha,Vikram,Divya,Arjun,Kavya,Sanjay,Meera,Rahul}',
         '{Patel,Sharma,Singh,Gupta,Reddy,Iyer,Nair,Mehta,Desai,Kapoor,Banerjee,Rao}'),
('ko',   '{Ji-woo,Min-jun,Seo-yeon,Hye-jin,Daniel,Grace,Joon,Sun-hee}',
         '{Kim,Lee,Park,Choi,Jung,Kang,Yoon,Lim}'),
('af',   '{Chinedu,Ngozi,Adaeze,Kwame,Abena,Ifeoma,Tunde,Aïssatou,Ousmane,Makeda}',
         '{Okafor,Adeyemi,Okonkwo,Mensah,Boateng,Diallo,N''Diaye,Tesfaye,Abebe,Eze}'),
('ht',   '{Jean-Baptiste,Marie-Ève,Widline,Wilner,Guerline,Frantz,Mirlande,Réginald}',
         '{Pierre,Jean-Louis,Baptiste,Joseph,Étienne,Désir,Toussaint,Charles}');

-- The mix of cultures and home towns around each city, and its telephone numbers: first .. span of them, each guest another.
-- Berlin's are inside the block that the Bundesnetzagentur keeps for films (030 23125), New York's under the exchange 555;
-- Lithuania keeps none, so they begin with 2, which its numbering plan leaves unassigned.
CREATE UNLOGGED TABLE region (
    city text PRIMARY KEY, cultures text[], culture_weights integer[], towns text[], town_weights integer[],
    dial_prefixes text[], dial_digits integer);
INSERT INTO region VALUES
('Vilnius',  '{lt_f,lt_m,pl_f,pl_m,uk,ro,en,de,af}', '{41,37,4,4,7,2,3,1,1}',
             '{Vilnius,Kaunas,Trakai,Klaipėda,Šiauliai}', '{86,6,4,2,2}', '{+370255,+370266,+370277}', 5),
('Berlin',   '{de,tr,pl_f,pl_m,ar,vi,ro,en,uk,lt_f,af}', '{55,13,4,3,6,4,6,4,2,2,1}',
             '{Berlin,Potsdam,Hamburg,Leipzig}', '{92,4,2,2}', '{+493023125}', 4),
('New York', '{en,es,zh,in,ko,ro,af,ht,ar,uk}', '{42,22,10,7,4,6,4,2,2,1}',
             '{New York,Brooklyn,Queens,Bronx,Jersey City,Hoboken}', '{46,25,14,5,6,4}',
             '{+1212555,+1646555,+1332555,+1718555,+1347555,+1917555,+1929555,+1201555,+1551555}', 4);
